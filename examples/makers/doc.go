// Package makers holds proofs over the simulated panels of every maker, each with its own
// wire, behind one roster. It is for those who change the roster or a driver: what is said
// here about panels in general has to hold for each of them.
package makers
