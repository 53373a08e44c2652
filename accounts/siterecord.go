package accounts

import (
	"fmt"
	"net/url"
)

// Site is a place that accounts and panels belong to, where a host keeps its sites here.
type Site struct {
	// Enabled: else nobody signs in there, nobody is given it, and who is restricted to sites
	// may do nothing there. Who has all sites still sees what is there.
	Enabled bool   `json:"enabled,omitempty"`
	Label   string `json:"label,omitempty"` // how people call it
	Name    string `json:"name"`            // its id in [Sites], like a username; it never changes
	URL     string `json:"url,omitempty"`   // http or https, "" for none
}

// maxSiteText is the longest label or URL, in bytes.
const maxSiteText = 256

// Check reports [ErrSiteForm] for a name that is none, a label or URL of more than 256
// bytes, and a URL that is not a plain web address: names and passwords in it would be
// shown to everybody.
func (s Site) Check() error {
	if !usernameForm.MatchString(s.Name) {
		return fmt.Errorf("%w: the name", ErrSiteForm)
	}
	if len(s.Label) > maxSiteText {
		return fmt.Errorf("%w: the label", ErrSiteForm)
	}
	if s.URL == "" {
		return nil
	}
	u, err := url.Parse(s.URL)
	if err != nil || len(s.URL) > maxSiteText || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return fmt.Errorf("%w: the URL", ErrSiteForm)
	}
	return nil
}

// SiteKeeping is who keeps the sites.
type SiteKeeping uint8

// The ways of keeping sites.
const (
	SitesElsewhere SiteKeeping = iota // the host does: every id is taken as it is
	SitesHere                         // they are added here, and accounts are given no others
	// SitesManaged is SitesHere on a server that another one manages: nobody changes sites
	// ([ErrSiteManaged]). What takes them over from there uses a service with SitesHere.
	SitesManaged
)
