// Package metrics tells Prometheus what chunkgate does. It stands beside the
// path of a byte: decorators around the two stores, an upload.Observer for what
// only the engine knows, a proxy.Observer for requests. It is the only importer
// of Prometheus's library.
//
// Names are chunkgate_<thing>_<unit>[_total], times are in seconds, sizes in
// bytes. A label has a value out of a list in this package or a route of the
// proxy, never an id, a key or anything else that comes from a client: so the
// number of series is fixed by the program. What may alert exists from the
// start, at zero, so that its first increase is seen.
package metrics
