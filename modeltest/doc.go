// Package modeltest holds tests only: what many clients may do to an upload at
// once, over two engines.
//
// races_test.go releases pairs of operations together over the real stores.
// walk_test.go lets clients (client_test.go) do anything at random, over stores in memory that
// fail at random (gate_test.go and faulty_*_test.go) and under virtual time, and
// holds every answer and what is left at the end against the model of an
// upload in model_test.go. A walk is given by its seed:
//
//	SEED=17 go test -run TestModel ./modeltest      # one walk again, told step by step
//	SOAK=20m go test -timeout 0 -run TestModel ./modeltest
package modeltest
