// Package httpanchor anchors the log's checkpoints by HTTP: at a webhook of the host's or
// a customer's choice, and at a public witness.
//
// It is for hosts whose checkpoints have to lie where whoever can change the database
// cannot change them. Give a [Webhook] or a [Witness] to the journal's options as an
// anchor. Both call public addresses only, unless the host says otherwise, and follow no
// redirections.
package httpanchor
