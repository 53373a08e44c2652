package twonsim

import (
	"bufio"
	"bytes"
	"crypto/md5" //nolint:gosec // what digest authentication of these devices uses
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel/paneltest"
)

const realm = "HTTP API"

// answer is what goes back for one request.
type answer struct {
	status int
	header http.Header
	body   any
	wrote  bool // the directory has changed
}

// talk answers one connection.
func (d *Device) talk(conn net.Conn) {
	for in := bufio.NewReader(conn); ; {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(io.LimitReader(req.Body, 1<<24))
		if err != nil || d.faults.Strikes(paneltest.Away) {
			return
		}
		a := d.answer(req, body)
		if d.faults.Send(conn, d.encode(a), a.wrote) != nil || req.Close {
			return
		}
	}
}

// encode writes an answer as HTTP.
func (d *Device) encode(a answer) []byte {
	body, err := json.Marshal(a.body)
	if err != nil {
		body = []byte("null")
	}
	resp := &http.Response{
		StatusCode: a.status, ProtoMajor: 1, ProtoMinor: 1, Header: a.header,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	resp.Header.Set("Content-Type", "application/json")
	if d.has(Chunked) {
		resp.ContentLength, resp.TransferEncoding = -1, []string{"chunked"}
	}
	var out bytes.Buffer
	_ = resp.Write(&out) // into memory
	return out.Bytes()
}

func (d *Device) has(quirk string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.quirks[quirk]
}

func (d *Device) answer(req *http.Request, body []byte) answer {
	if d.faults.Strikes(paneltest.Lockout) {
		return later(http.StatusTooManyRequests, d.faults.Left(paneltest.Lockout))
	}
	path := req.URL.Path
	if path == "/api/system/info" && !d.has(InfoNeedsLogin) {
		return d.route(req, body)
	}
	stale := false
	if sign := req.Header.Get("Authorization"); sign != "" {
		wrong := d.faults.Strikes(paneltest.WrongSecret)
		var ok bool
		if ok, stale = d.verify(req, sign); ok && !wrong {
			if path != "/api/dir/get" && strings.HasPrefix(path, "/api/dir/") && req.Method == http.MethodPut && d.faults.Strikes(paneltest.Busy) {
				return later(http.StatusServiceUnavailable, d.faults.Left(paneltest.Busy))
			}
			return d.route(req, body)
		}
		stale = stale && !wrong
	}
	return answer{status: http.StatusUnauthorized, header: http.Header{"Www-Authenticate": {d.challenge(stale)}}, body: refusal(9)}
}

func later(status int, left time.Duration) answer {
	return answer{status: status, header: http.Header{"Retry-After": {strconv.Itoa(int(left.Seconds()) + 1)}}, body: refusal(14)}
}

func refusal(code int) any {
	return map[string]any{"success": false, "error": map[string]any{"code": code, "description": "refused"}}
}

func (d *Device) challenge(stale bool) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.issued++
	nonce := fmt.Sprintf("%08x", d.issued)
	d.nonces[nonce] = 0
	algorithm := "MD5"
	if d.quirks[SHA256] {
		algorithm = "SHA-256"
	}
	return fmt.Sprintf(`Digest realm=%q, qop="auth", algorithm=%s, nonce=%q, stale=%v`, realm, algorithm, nonce, stale)
}

// verify checks a digest (RFC 7616). A count that was used before is refused.
func (d *Device) verify(req *http.Request, sign string) (ok, stale bool) {
	sign, isDigest := strings.CutPrefix(sign, "Digest ")
	if !isDigest {
		return false, false
	}
	p := map[string]string{}
	for part := range strings.SplitSeq(sign, ",") {
		if key, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			p[key] = strings.Trim(value, `"`)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.presented++
	sum := func(parts ...string) string {
		h := md5.New() //nolint:gosec // see above
		if d.quirks[SHA256] {
			h = sha256.New()
		}
		_, _ = io.WriteString(h, strings.Join(parts, ":"))
		return hex.EncodeToString(h.Sum(nil))
	}
	want := sum(sum(d.opts.User, realm, d.opts.Password), p["nonce"], p["nc"], p["cnonce"], p["qop"], sum(req.Method, req.URL.RequestURI()))
	if p["response"] != want || p["username"] != d.opts.User || p["uri"] != req.URL.RequestURI() {
		return false, false
	}
	uses, issued := d.nonces[p["nonce"]]
	count, err := strconv.ParseInt(p["nc"], 16, 32)
	if !issued || err != nil || int(count) <= uses || d.quirks[NonceOnce] && uses > 0 {
		return false, true
	}
	d.nonces[p["nonce"]] = int(count)
	return true, false
}
