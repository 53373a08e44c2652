package powermanagesim

import "slices"

// Quirks of signing in. A quirk is what public sources leave open, switched to the other
// reading.
const (
	StaleIs440     = "stale session is 440" // instead of 400 with words about the session token
	StaleIs403     = "stale session is 10002"
	WrongIs444     = "wrong code is 444"               // instead of 400 with 10021
	BlockedIsVague = "blocked login tells no seconds"  // 420 without extras
	BlockedIs442   = "blocked login is 442"            // the limit of attempts, without a time
	MasterEnds     = "a new master code ends sessions" // the session that set it too
	ConnectsLate   = "the panel connects late"         // three seconds after a login
)

// Quirks of the list of users and of the features.
const (
	OldVersion = "version 10.0" // no roles, no features of single users
	NoFeatures = "no features"  // feature_set says nothing about users
	NoSet      = "no feature_set"
	WholePanel = "partition -1" // a user with every partition has -1
	NoNames    = "new users have no name"
	NameStays  = "names outlive the code"
	ListLags   = "the list lags" // it shows what was ten seconds ago
)

// Quirks of jobs.
const (
	ChecksAtOnce  = "bad values start no job" // they are refused with 10001
	FinishedIsOK  = "finished is ok"          // instead of succeeded
	OddStatus     = "unpublished statuses"    // while a job runs
	ForgetsJobs   = "finished jobs are told once"
	RemovesNobody = "removing nobody fails"
	OwnDuplicate  = "refuses its own duplicate" // setting a code where it is already
)

// Quirks lists the names.
func (*Server) Quirks() []string {
	return []string{
		StaleIs440, StaleIs403, WrongIs444, BlockedIsVague, BlockedIs442, MasterEnds, ConnectsLate,
		OldVersion, NoFeatures, NoSet, WholePanel, NoNames, NameStays, ListLags,
		ChecksAtOnce, FinishedIsOK, OddStatus, ForgetsJobs, RemovesNobody, OwnDuplicate,
	}
}

// Quirk switches a reading of an open point. It returns false for an unknown name.
func (s *Server) Quirk(name string, on bool) bool {
	if !slices.Contains(s.Quirks(), name) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quirks[name] = on
	return true
}
