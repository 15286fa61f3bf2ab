// Package wiretest holds tests only: what PROTOCOL.md promises on the wire,
// asked of the built program in front of the real MinIO and the real Redis, and
// checked in the store itself.
//
//   - conflict_test.go: the decision table of section 3.13, a row a test;
//   - race_test.go: many clients commit to one path at once, through two proxies;
//   - fixture_test.go: the captured requests of Appendix A, byte for byte, and
//     the answers to them in testdata;
//   - path_test.go: all the ways in which clients write one path (section 1.0);
//   - balanced_test.go: the same through nginx with deploy/nginx.conf.
package wiretest
