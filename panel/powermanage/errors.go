package powermanage

import "github.com/seed-a2d3eaca/keyholder/fault"

// Errors of the server. Each stands beside the error of package panel that says what it
// does to the line or to the field.
var (
	// ErrBadRequest is error 10001: a value has the wrong form or is missing.
	ErrBadRequest = fault.New(fault.Invalid, "powermanage: the server refuses a value of the request (10001)")
	// ErrAlreadyGranted is error 10001 with the value already_granted.
	ErrAlreadyGranted = fault.New(fault.Conflict, "powermanage: the account is granted this panel user already")
	// ErrAlreadyLinked is error 10001 with the value already_linked.
	ErrAlreadyLinked = fault.New(fault.Conflict, "powermanage: the panel is linked to the account already")
	// ErrCombination is error 10004: e-mail and password, or serial and code, do not belong
	// together.
	ErrCombination = fault.New(fault.Denied, "powermanage: wrong combination (10004)").
			Hinted("Check the account's e-mail and password, the panel's serial number and the master code.")
	// ErrUserCode is error 10021 or status 444: the panel refuses the master user's code.
	ErrUserCode = fault.New(fault.Denied, "powermanage: wrong user code (10021)").
			Hinted("Enter the code of the panel's master user. It is not tried again before.")
	// ErrNotConnected: the server has no connection to the panel.
	ErrNotConnected = fault.New(fault.Unavailable, "powermanage: the panel is not connected to the server").
			Hinted("Check the panel's power and its connection to the server.")
	// ErrStaleSession: the server does not know the session any more (status 440, or 400 with
	// its words about the session token), even directly after signing in anew.
	ErrStaleSession = fault.New(fault.Unavailable, "powermanage: the server forgot the session")
	// ErrUserToken is status 401: the account's token is wrong or expired.
	ErrUserToken = fault.New(fault.Unavailable, "powermanage: the server refuses the account's token (401)")
	// ErrAuthRequired is error 10002: the call needs a panel login.
	ErrAuthRequired = fault.New(fault.Unavailable, "powermanage: panel login required (10002)")
	// ErrNotAllowed is error 10010: the code is not a master user's, or the act is not
	// permitted.
	ErrNotAllowed = fault.New(fault.Denied, "powermanage: not allowed (10010)").
			Hinted("Users can be managed only with the code of the panel's master user.")
	// ErrEndpoint is status 404: this version of the server does not have the call.
	ErrEndpoint = fault.New(fault.Unsupported, "powermanage: the server does not have this call (404)")
	// ErrLoginBlocked is error 10020 or status 420: logins are blocked for a time.
	ErrLoginBlocked = fault.New(fault.Busy, "powermanage: logins are blocked for a time (10020)")
	// ErrLoginAttempts is status 442: the limit of login attempts is reached. Nothing says
	// for how long, so that nothing is tried again by itself.
	ErrLoginAttempts = fault.New(fault.Denied, "powermanage: the limit of login attempts is reached (442)").
				Hinted("Look at the account at the server, then resume the panel.")
	// ErrServer is a status of 500 and above.
	ErrServer = fault.New(fault.Unavailable, "powermanage: the server failed")
	// ErrCrowded is status 429: too many requests.
	ErrCrowded = fault.New(fault.Busy, "powermanage: too many requests")
)

// Errors of the driver beside those of package panel.
var (
	// ErrVersion: the server speaks no version that this driver knows.
	ErrVersion = fault.New(fault.Unsupported, "powermanage: no version in common with the server")
	// ErrRedirect: the server sends us elsewhere. Nothing is sent there.
	ErrRedirect = fault.New(fault.Denied, "powermanage: the server redirects, which is not followed")
	// ErrAnswer: an answer is too long or is not what the call gives.
	ErrAnswer = fault.New(fault.Internal, "powermanage: unintelligible answer")
	// ErrCertificate: the server's certificate is not trusted, or is not the pinned one.
	ErrCertificate = fault.New(fault.Denied, "powermanage: the server's certificate is not trusted").
			Hinted("Check the address. If the certificate was renewed, pin the new one.")
	// ErrAddress: the route's address is not "host:port" or "host", or one that
	// [Options.AllowPrivate] has to allow.
	ErrAddress = fault.New(fault.Invalid, "powermanage: not an address of a server that may be called").
			Hinted("Give host:port. Addresses of the own network need the host's option.")
	// ErrPanelNotListed: the account has no panel with this serial number.
	ErrPanelNotListed = fault.New(fault.NotFound, "powermanage: the account has no such panel").
				Hinted("Check the serial number, and add the panel to the account.")
	// ErrFamily: the server says that the panel is of another family.
	ErrFamily = fault.New(fault.Invalid, "powermanage: the panel is of another family")
	// ErrSecretMissing: the route lacks a secret. An empty one would count as a wrong one.
	ErrSecretMissing = fault.New(fault.Invalid, "powermanage: the route lacks e-mail, password or master code").
				Hinted("Enter the account's e-mail and password, and the code of the panel's master user.")
	// ErrClosed: the session was closed.
	ErrClosed = fault.New(fault.Precondition, "powermanage: the session is closed")
	// ErrJobFailed: the panel did not do what a job asked for. Why is not told.
	ErrJobFailed = fault.New(fault.Conflict, "powermanage: the job failed at the panel")
)
