// Package s3backend keeps objects in a bucket of an S3 store. It is the
// adapter of upload.Objects and upload.Files, and the only importer of the AWS
// SDK.
//
// A body is streamed straight into the store with a few kilobytes of memory,
// whatever its size, and guarded by a checksum. There are two ways, because no
// one way works everywhere, and a third that guards nothing:
//
//   - Trailer: the body goes out in aws-chunked blocks with a CRC32C behind it
//     that the store verifies before it accepts. For MinIO, versitygw and others.
//   - None: the body goes out as it is. For AWS, where an upload that declares
//     checksums forbids gaps in the part numbers and one that does not refuses
//     parts that carry one. TLS covers the wire, and the CRC64NVME that S3
//     computes over the whole object is compared with ours at Complete.
//   - Off: nobody looks at the bytes, so they need not come here: they are spliced
//     from the client's socket to the store's (hose.go), where parts go over
//     connections of our own (lines.go).
//
// Every call ends in bounded time when the store makes no progress; see Timeouts.
package s3backend
