// Package oidc lets people sign in at an OpenID Connect provider.
//
// It is for host developers whose people have accounts at a provider already. [Open] reads
// what the provider says of itself; [Provider.Start] sends a browser there, and
// [Provider.Finish] makes of its return a [signin.External], which
// [signin.Service.Federate] turns into a session of keyholder's own. The account was bound
// to the person before, by an operator ([signin.Operator.Bind]) or by its owner
// ([signin.Owner.Link]); an address binds nothing.
//
// It speaks the authorization code flow with PKCE alone. State, nonce and the key of PKCE
// live in a cookie of the browser that began; a proof counts once, wherever it is shown.
// The provider's tokens are looked at once and kept nowhere. Protocol: OpenID Connect Core
// 1.0, RFC 7636, RFC 9207; the tokens are verified by github.com/coreos/go-oidc.
package oidc
