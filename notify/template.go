package notify

import (
	"fmt"
	"html/template"
	"strings"
	texttemplate "text/template"
)

// Template puts what varies into the words of a mail. What goes into the HTML is escaped
// for the place where it stands (package html/template), whoever typed it. It is safe for
// concurrent use.
type Template struct {
	subject, text *texttemplate.Template
	html          *template.Template // nil for none
}

// ParseTemplate reads the three parts of a mail, in the language of text/template; html
// may be "". A field that the data lacks is an error, not an empty place.
func ParseTemplate(subject, text, html string) (*Template, error) {
	t := &Template{}
	var err error
	if t.subject, err = texttemplate.New("subject").Option("missingkey=error").Parse(subject); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if t.text, err = texttemplate.New("text").Option("missingkey=error").Parse(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if html == "" {
		return t, nil
	}
	if t.html, err = template.New("html").Option("missingkey=error").Parse(html); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return t, nil
}

// Message fills the template. The subject is one line whatever data holds. The error does
// not repeat data.
func (t *Template) Message(data any) (Message, error) {
	var subject, text, html strings.Builder
	err := t.subject.Execute(&subject, data)
	if err == nil {
		err = t.text.Execute(&text, data)
	}
	if err == nil && t.html != nil {
		err = t.html.Execute(&html, data)
	}
	if err != nil {
		return Message{}, fmt.Errorf("%w: its template asks for what is not there", ErrMessage)
	}
	return Message{Subject: OneLine(subject.String()), Text: text.String(), HTML: html.String()}, nil
}

// OneLine makes one line of a text: runs of white space and control characters become a
// space, so that nothing in it can begin a header.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || r >= 0x80 && r <= 0xa0 || r == 0x2028 || r == 0x2029
	}), " ")
}
