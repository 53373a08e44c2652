package twonsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-a2d3eaca/keyholder/panel"
)

// question is the JSON of a request below /api/dir.
type question struct {
	Series   *string          `json:"series"`
	Fields   *[]string        `json:"fields"`
	Users    []map[string]any `json:"users"`
	Owner    string           `json:"owner"`
	Force    bool             `json:"force"`
	Iterator struct {
		Timestamp int64 `json:"timestamp"`
	} `json:"iterator"`
}

// route answers somebody who was let in.
func (d *Device) route(req *http.Request, body []byte) answer {
	var q question
	if len(body) > 0 && json.Unmarshal(body, &q) != nil {
		return answer{status: http.StatusOK, body: refusal(12)}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[req.URL.Path]++
	if strings.HasPrefix(req.URL.Path, "/api/log/") {
		return d.logged(req)
	}
	var result map[string]any
	wrote := false
	switch req.Method + " " + req.URL.Path {
	case "GET /api/system/info":
		result = map[string]any{"variant": "2N IP Verso", "serialNumber": d.opts.Serial, "swVersion": "2.50.0.1"}
	case "GET /api/system/time":
		if d.quirks[NoClock] {
			return answer{status: http.StatusOK, body: refusal(1)}
		}
		result = map[string]any{"utcTime": time.Now().Add(d.opts.Skew).Unix(), "automatic": true}
	case "GET /api/dir/template":
		entry := (&record{}).tell(d.opts.Uni, true, false, false)
		entry["uuid"], entry["timestamp"] = "", 0
		result = d.users([]map[string]any{entry})
	case "POST /api/dir/query":
		result = d.query(q)
	case "POST /api/dir/get":
		result = d.each(q, func(r *record, _ string, u map[string]any) (map[string]any, string) {
			if r == nil {
				return nil, "EDIR_UUID_DOES_NOT_EXIST"
			}
			return d.tell(r, q.Fields), ""
		})
	case "PUT /api/dir/create":
		force := q.Force
		if !d.quirks[ForceInBody] {
			force = req.URL.Query().Get("force") == "1"
		}
		result, wrote = d.create(q, force), true
	case "PUT /api/dir/update":
		result, wrote = d.update(q), true
	case "PUT /api/dir/delete":
		result, wrote = d.remove(q), true
	default:
		return answer{status: http.StatusNotFound, body: refusal(2)}
	}
	return answer{status: http.StatusOK, body: map[string]any{"success": true, "result": result}, wrote: wrote}
}

// The methods below are called with d.mu held.

// logged answers about the event log. While a pull waits, others are answered.
func (d *Device) logged(req *http.Request) answer {
	if d.quirks[NoLog] {
		return answer{status: http.StatusOK, body: refusal(8)}
	}
	if wait := d.waits(req); wait > 0 {
		news, timer := d.log.next(), time.NewTimer(wait)
		d.mu.Unlock()
		select {
		case <-news:
		case <-timer.C:
		}
		timer.Stop()
		d.mu.Lock()
	}
	result := d.logging(req)
	if result == nil {
		return answer{status: http.StatusOK, body: refusal(12)}
	}
	return answer{status: http.StatusOK, body: map[string]any{"success": true, "result": result}}
}

func (d *Device) users(list []map[string]any) map[string]any {
	return map[string]any{"series": d.name(), "users": list}
}

func (d *Device) name() string { return "22294806305975928" + strconv.Itoa(10+d.series) }

// query answers what is newer than the iterator.
func (d *Device) query(q question) map[string]any {
	if q.Series != nil && *q.Series != d.name() {
		return map[string]any{"series": d.name(), "timestamp": d.stamp, "invalid": d.stamp}
	}
	list := []map[string]any{}
	for _, uuid := range slices.Sorted(maps.Keys(d.records)) {
		r := d.records[uuid]
		if r.stamp > q.Iterator.Timestamp || d.quirks[InclusiveCursor] && r.stamp == q.Iterator.Timestamp {
			list = append(list, d.tell(r, q.Fields))
		}
	}
	result := d.users(list)
	result["timestamp"] = d.stamp
	return result
}

// tell writes the fields of an entry that are asked for.
func (d *Device) tell(r *record, fields *[]string) map[string]any {
	all := r.tell(d.opts.Uni, fields != nil && !d.quirks[LeavesDefaults], d.quirks[NumbersForTimes], d.quirks[MaskedPINs])
	out := map[string]any{"uuid": d.spell(r.uuid), "timestamp": r.stamp}
	for key, v := range all {
		if fields == nil || len(*fields) == 0 || slices.Contains(*fields, key) {
			out[key] = v
		}
	}
	return out
}

func (d *Device) spell(uuid string) string {
	if d.quirks[Capitals] {
		return strings.ToUpper(uuid)
	}
	return uuid
}

// each answers every entry of a request by itself. do gets the living record, nil if
// there is none.
func (d *Device) each(q question, do func(r *record, uuid string, u map[string]any) (map[string]any, string)) map[string]any {
	list := []map[string]any{}
	for _, u := range q.Users {
		name, _ := u["uuid"].(string)
		var told map[string]any
		code := "EDIR_UUID_INVALID_FORMAT"
		if uuid := strings.ToLower(name); wellFormed(name) && (uuid[14] == '4' || !d.quirks[RandomUUIDs]) {
			r := d.records[uuid]
			if r != nil && r.deleted {
				r = nil
			}
			told, code = do(r, uuid, u)
		} else if name == "" {
			code = "EDIR_UUID_IS_MISSING"
		}
		if code != "" {
			told = d.refused(name, code, "")
		}
		list = append(list, told)
	}
	return d.users(list)
}

func (d *Device) refused(uuid, code, field string) map[string]any {
	why := map[string]any{"code": code}
	if field != "" && !d.quirks[ErrorsFieldless] {
		why["field"] = field
	}
	told := map[string]any{"errors": []any{why}}
	if !d.quirks[ErrorsUnnamed] {
		told["uuid"] = d.spell(uuid)
	}
	return told
}

// next is the timestamp of one more entry of a request.
func (d *Device) next(first *int64) int64 {
	if *first == 0 || !d.quirks[SharedTimestamps] {
		*first = d.tick()
	}
	return *first
}

func (d *Device) create(q question, force bool) map[string]any {
	var first int64
	return d.each(q, func(r *record, uuid string, u map[string]any) (map[string]any, string) {
		buried := d.quirks[BlockedUUID] && d.records[uuid] != nil
		if (r != nil || buried) && !force {
			return nil, "EDIR_UUID_ALREADY_EXISTS"
		}
		return d.store(&record{uuid: uuid}, u, &first)
	})
}

func (d *Device) update(q question) map[string]any {
	var first int64
	return d.each(q, func(r *record, _ string, u map[string]any) (map[string]any, string) {
		if r == nil {
			return nil, "EDIR_UUID_DOES_NOT_EXIST"
		}
		changed := *r
		return d.store(&changed, u, &first)
	})
}

func (d *Device) remove(q question) map[string]any {
	var first int64
	return d.each(q, func(r *record, uuid string, _ map[string]any) (map[string]any, string) {
		if r == nil {
			return nil, "EDIR_UUID_DOES_NOT_EXIST"
		}
		stamp := d.next(&first)
		d.bury(uuid, stamp)
		return map[string]any{"uuid": d.spell(uuid), "timestamp": stamp}, ""
	})
}

// store writes an entry whole, or leaves everything as it was.
func (d *Device) store(r *record, u map[string]any, first *int64) (map[string]any, string) {
	flat := map[string]any{}
	for key, v := range u {
		if inner, ok := v.(map[string]any); ok && key == "access" {
			for k, x := range inner {
				flat["access."+k] = x
			}
		} else if key != "uuid" {
			flat[key] = v
		}
	}
	for _, key := range slices.Sorted(maps.Keys(flat)) {
		code := r.set(key, flat[key], d.opts.Uni)
		if f := meaning(key, d.opts.Uni); code == "" && f != 0 && d.faults.Refuses(f, 0) {
			code = "EDIR_FIELD_VALUE_ERROR"
		}
		if code == "" && key == "access.pin" && d.quirks[RefusesDuplicate] && d.taken(r) {
			code = "EDIR_FIELD_VALUE_ERROR"
		}
		if code != "" {
			return d.refused(r.uuid, code, key), ""
		}
	}
	if r.from > 0 && r.to > 0 && r.to <= r.from {
		return d.refused(r.uuid, "EDIR_FIELD_VALUE_ERROR", "access.validTo"), ""
	}
	r.stamp = d.next(first)
	d.records[r.uuid] = r
	return map[string]any{"uuid": d.spell(r.uuid), "timestamp": r.stamp}, ""
}

// taken reports whether another entry has the PIN.
func (d *Device) taken(r *record) bool {
	for uuid, other := range d.records {
		if uuid != r.uuid && !other.deleted && r.pin != "" && other.pin == r.pin {
			return true
		}
	}
	return false
}

// meaning is the field that a key of the API stands for.
func meaning(key string, uni bool) panel.Field {
	switch key {
	case "name":
		return panel.FieldLabel
	case "access.pin":
		return panel.FieldCode
	case "access.code":
		if uni {
			return panel.FieldCode
		}
	case "access.card":
		return panel.FieldLegacyTags
	case "access.validFrom":
		return panel.FieldFrom
	case "access.validTo":
		return panel.FieldUntil
	}
	return 0
}
