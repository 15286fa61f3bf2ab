// Package storetest runs the program's main flows on every object store that
// the tests know, and behind a relay that keeps to rules of Amazon S3 that none
// of them has. What a store cannot do is in docs/stores.md, and here in a
// store's habits: a store that learns it fails the test.
package storetest
