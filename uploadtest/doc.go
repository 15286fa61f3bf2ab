// Package uploadtest holds what tests of the engine and of the adapters share:
//
//   - TestSessions, TestObjects, TestFiles and TestQuotas, the contracts of
//     upload.Sessions and so on as code. The adapters run them against real
//     servers, the fakes run them too, so that the engine's and the protocols'
//     tests can rely on the fakes.
//   - Sessions, Objects and Quotas in memory. Their hooks refuse a call (Fault)
//     or lose the answer of one that took effect (After).
//
// Only test files import it.
package uploadtest
