package visonicsim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/seed-a2d3eaca/keyholder/panel"
	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

// talkRPC answers one request of the service inside a PowerLink 3 module.
func (p *Panel) talkRPC(conn net.Conn) {
	q, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil || p.faults.Strikes(paneltest.Away) {
		return
	}
	var ask struct {
		ID     json.RawMessage   `json:"id"`
		Method string            `json:"method"`
		Params []json.RawMessage `json:"params"`
	}
	status, body, wrote := "404 Not Found", "", false
	if q.URL.Path == "/remote/json-rpc" && json.NewDecoder(q.Body).Decode(&ask) == nil {
		status = "200 OK"
		body = fmt.Sprintf(`{"id":%s,"jsonrpc":"2.0",%s}`, ask.ID, p.service(ask.Method, ask.Params))
		wrote = strings.Contains(ask.Method, "/set") && strings.Contains(body, "success")
	}
	_ = p.faults.Send(conn, fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body), wrote)
}

// service is the result or error of one method.
func (p *Panel) service(method string, params []json.RawMessage) string {
	fail := func(code int, text string) string {
		return fmt.Sprintf(`"error":{"code":%d,"message":%q}`, code, text)
	}
	switch method {
	case "PmaxService/registerClient":
		p.client(true)
		return `"result":{"status":"success"}`
	}
	wants := map[string]int{"PmaxService/getUserCodes": 1, "PmaxService/setUserCode": 3, "PmaxService/setUserCodePartitions": 4}[method]
	if wants == 0 || wants > 1 && p.quirk(NoWriting) {
		return fail(-32601, "METHOD_NOT_FOUND: The method "+method+" is not available on this server")
	}
	p.present()
	switch {
	case !p.registered():
		return fail(-32001, "No client registered")
	case len(params) != wants:
		return fail(-32602, "INVALID_PARAMS: Invalid method parameters (invalid name and/or type) recognised")
	case p.faults.Strikes(paneltest.WrongSecret), string(params[0]) != `"`+p.masterCode()+`"`:
		return fail(-32001, "The response is invalid: Authentication failed, wrong code")
	case wants == 1:
		return `"result":` + p.list()
	case !p.quirk(Deaf) && !p.set(params[1:]):
		return fail(-32001, "The response is invalid: invalid value")
	}
	return `"result":{"status":"success"}`
}

// set is a code, and partitions if they come with it, for one user; 0000 removes.
func (p *Panel) set(params []json.RawMessage) bool {
	var id, mask int
	var code string
	if json.Unmarshal(params[0], &id) != nil || json.Unmarshal(params[1], &code) != nil || len(params) > 2 && json.Unmarshal(params[2], &mask) != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if id < 1 || id > len(p.slots) || mask < 0 || mask > 7 || len(params) > 2 && mask == 0 || p.faults.Refuses(panel.FieldCode, id) && code != p.slots[id-1].code {
		return false
	}
	s := &p.slots[id-1]
	switch {
	case len(params) > 2 && p.faults.Refuses(panel.FieldPartitions, id):
		return false
	case code == "0000":
		if id == 1 {
			return false
		}
		if s.code = ""; !p.quirks[KeepsAccess] {
			s.access = 1
		}
		return true
	case !p.free(code, id), id == 1 && mask != 0 && mask != 7:
		return false
	}
	if s.code = code; mask != 0 {
		s.access = byte(mask)
	}
	return true
}

// list is every user, or with ListsEmpty every slot.
func (p *Panel) list() string {
	empty := p.quirk(ListsEmpty)
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for i, s := range p.slots {
		code := s.code
		if code == "" {
			code = "0000"
		}
		if s.code == "" && !empty {
			continue
		}
		numbers := []string{}
		for n := range 3 {
			if s.access>>n&1 == 1 {
				numbers = append(numbers, fmt.Sprint(n+1))
			}
		}
		out = append(out, fmt.Sprintf(`{"partitions":[%s],"userCode":%q,"userId":%d}`, strings.Join(numbers, ","), code, i+1))
	}
	return "[" + strings.Join(out, ",") + "]"
}

func (p *Panel) masterCode() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slots[0].code
}

// client notes that a client is registered, or that its place was taken.
func (p *Panel) client(here bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = here
}

// Displace is another client that takes the service's one place.
func (p *Panel) Displace() { p.client(false) }

func (p *Panel) registered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known
}
