// Package recur reads recurrence rules of iCalendar (RFC 5545) into schedules.
//
// It is for hosts that get hours as RRULE or VEVENT text: from a calendar, or from a
// device that speaks ONVIF's schedule service. The text is compiled once, when it is
// stored: asking the schedule costs nothing that depends on the rule.
//
// It is a module of its own, so that only who reads calendars depends on rrule-go.
package recur
