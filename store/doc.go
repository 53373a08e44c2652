// Package store is the one seam between keyholder and a database.
//
// It is for store authors (implement [Store], run store/storetest) and for nobody
// else: hosts open a ready-made store and hand it to the services.
//
// A store keeps records, names, counters, lines and log leaves. It knows nothing of
// panels, accounts or the meaning of an entry. Everything that anybody does reaches
// it as one [Change]: a set of operations of eight closed verbs ([Put], [Drop],
// [Check], [Claim], [Release], [Count], [Mark], [Fence]) with the leaves that record
// them. A Change is all or nothing, is committed once however often it is sent, and
// is refused without a leaf unless every operation in it is bookkeeping.
//
// # What a store must do
//
// Implementations call [Change.Validate] first and then apply each operation with the
// pure rules of this package ([Claim.On], [Release.On], [Count.On], [Mark.On],
// [Fence.On], [Own]), so that all stores answer alike. Operations are applied in the order that
// [Change.Sorted] gives, which is the lock order.
package store
