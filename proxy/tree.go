package proxy

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/chunkgate/chunkgate/upload"
)

// tree yields the folder at a place and what a client may see below it, in order
// of keys: a folder comes before what is in it, and nothing if it is not there.
// Folders are made of the keys, so it is one listing, however many there are.
func (s *Server) tree(ctx context.Context, top place) iter.Seq2[upload.Entry, error] {
	folder := top.folder()
	return func(yield func(upload.Entry, error) bool) {
		if len(folder) >= maxKey {
			return // nothing fits under it
		}
		shown := "" // the last folder that was yielded
		if top.top() {
			shown = folder
		}
		for o, err := range s.visible(ctx, folder) {
			if err != nil {
				yield(upload.Entry{}, err)
				return
			}
			for _, e := range entriesOf(o, folder) {
				if e.Folder && strings.HasPrefix(shown, e.Key) {
					continue // keys in a folder follow each other
				}
				if e.Folder {
					shown = e.Key
				}
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// entriesOf are the folders from a top one on that an object is in, and the
// object, as far down as names are such that a request could give them.
func entriesOf(o upload.Object, top string) []upload.Entry {
	entries := []upload.Entry{folderEntry(top)}
	for at := len(top); at < len(o.Key); {
		name, _, isFolder := strings.Cut(o.Key[at:], "/")
		if clean, err := cleanPath(name); err != nil || clean != name {
			break
		}
		at += len(name)
		if !isFolder {
			return append(entries, upload.Entry{Object: o})
		}
		at++
		entries = append(entries, folderEntry(o.Key[:at]))
	}
	return entries
}

func folderEntry(key string) upload.Entry {
	return upload.Entry{Object: upload.Object{Key: key}, Folder: true}
}

// visible yields the objects below a folder but for the engine's own. There may
// be many of those, so the listing jumps over them.
func (s *Server) visible(ctx context.Context, folder string) iter.Seq2[upload.Object, error] {
	return func(yield func(upload.Object, error) bool) {
		for after, again := "", true; again; {
			again = false
			for o, err := range s.cfg.Files.Tree(ctx, folder, after) {
				if err != nil {
					yield(upload.Object{}, listFailed(err))
					return
				}
				if staging := s.cfg.StagingPrefix; staging != "" && strings.HasPrefix(o.Key, staging) {
					if after != "" {
						yield(upload.Object{}, listFailed(fmt.Errorf("%w: a listing that begins too early", upload.ErrUnavailable)))
						return
					}
					after, again = staging+"\U0010FFFF", true // behind all names that the engine gives
					break
				}
				if !s.reserved(o.Key) && !yield(o, nil) {
					return
				}
			}
		}
	}
}
