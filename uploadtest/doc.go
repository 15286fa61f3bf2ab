// Package uploadtest holds what tests of the engine and of the adapters share:
//
//   - TestSessions, TestObjects and TestFiles, the contracts of
//     upload.Sessions, upload.Objects and upload.Files as code. The adapters run
//     them against real servers, the fakes run them too, so that the engine's
//     and the protocols' tests can rely on the fakes.
//   - Sessions and Objects, the two stores in memory. Their hooks refuse a call
//     (Fault) or lose the answer of one that took effect (After).
//
// Only test files import it.
package uploadtest
