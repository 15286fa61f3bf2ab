// Package upload is the domain: it takes chunks of any size from a client and
// makes them one object, by S3 multipart upload, without ever losing a byte it
// has acknowledged. It knows neither HTTP, nor Redis, nor S3's API: it speaks
// to them through Sessions and Objects, and protocols speak to it through
// Engine. It imports the standard library only.
//
// # Words
//
//	session   what is known about one upload, in the session store
//	chunk     what a client sends in one request, 0 bytes to 150 MiB
//	part      what S3 receives, 5 MiB to 5 GiB, numbered 1 to 10,000
//	tail      accepted bytes that do not fill a part yet, kept as fragments
//	offset    bytes accepted so far
//	attempt   one try at storing one chunk
//	commit    the client names the path, and the object appears there
//	complete  S3's word for assembling a multipart upload; abort for giving it up
//
// # The way of a chunk
//
//	Append   append.go      Sessions.Begin: offset right? here are your part numbers
//	  take   attempt.go     source.go: the body, exactly as long as announced
//	    Plan plan.go        tail ++ body = parts and a new tail; pure arithmetic
//	    part attempt.go     Objects.UploadPart: tail (tailreader.go), then body, streamed
//	         parallel.go    or several at once, from buffers, if that is asked for
//	    keep keep.go        the rest: pieces in the session store, or an object
//	  run    append.go      Sessions.Advance: compare-and-set on the offset
//
// A body whose length is unknown is buffered a few MiB at a time (slabs.go), in
// an owner's share of one budget (share.go).
//
// # The way of a commit
//
//	Commit   commit.go      Sessions.BeginCommit: one runner, the others wait
//	  do     commit.go      what did a dead runner leave?
//	  publish publish.go    one Put | Complete where promised | Complete and copy.go
//	  end    commit.go      Sessions.EndCommit, then what was staged is removed
//
// # Invariants
//
//   - The acknowledged offset never goes back and is always a chunk boundary.
//   - A part number stands for the same bytes whoever sends it: a chunk's is used
//     by one UploadPart at most, a commit's, one of the last, by every try to
//     store the tail of one offset. A fragment's name is used by one attempt.
//     So whatever a forgotten request still stores, nobody lists it, or it is
//     what is listed.
//   - Bytes are stored first, then listed by Advance, then their older copies
//     are removed, then the client is answered. A crash between two of these
//     leaves the state before or after, never one in between.
//   - Success is answered only after the committed state was stored; that an
//     object exists is concluded from its metadata, never from an error, and it
//     is this upload's result only if it has its id and its size.
//   - Loss is believed only when it is proven: what the record says of itself at
//     once, what a store says when it has said so DamagedAfter times, minutes
//     apart (suspect.go). Until then the client is told to repeat; after it, no
//     byte is deleted before the upload expires.
//   - Whoever holds buffers does not wait for buffers, and no owner can hold so
//     many that there are none for another (share.go).
//   - What holds bytes in S3 can be found again: the session's deadline is stored
//     before its multipart upload is opened (sweep.go), and a commit's copy is
//     recorded before its first part. A crash between opening a multipart upload
//     at a destination and recording it leaves an empty one, which nobody ends:
//     it costs nothing, and who lists what is open there cannot tell it from
//     one that somebody else is about to fill.
//   - A panic in the middle of the work is an error of that work alone (guard.go).
package upload
