// Checks proofs with Go's own packages, golang.org/x/mod/sumdb, and prints one verdict a case.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proofCase struct {
	Vkey, Note, Old, Leaf string
	Index                 int64
	Path, Consistency     [][]byte
	Tiles                 string            // which of the logs' tiles prove the same; none where it is empty
	Tile                  map[string][]byte // instead of theirs
}

// tiles of height 8, as files of a log have them
type tiles struct {
	of    map[string][]byte
	other map[string][]byte
}

func (t tiles) Height() int { return 8 }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) (found [][]byte, err error) {
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		bytes, ok := t.other[path]
		if !ok {
			bytes, ok = t.of[path]
		}
		if !ok {
			return nil, fmt.Errorf("no tile %s", path)
		}
		found = append(found, bytes)
	}
	return
}

func head(text string, key note.Verifier) (size int64, root tlog.Hash, err error) {
	signed, err := note.Open([]byte(text), note.VerifierList(key))
	if err != nil {
		return
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != key.Name() {
		return 0, root, fmt.Errorf("not a checkpoint of this log")
	}
	if size, err = strconv.ParseInt(lines[1], 10, 64); err == nil {
		root, err = tlog.ParseHash(lines[2])
	}
	return
}

func hashes(raw [][]byte) (made []tlog.Hash) {
	for _, bytes := range raw {
		var hash tlog.Hash
		copy(hash[:], bytes)
		made = append(made, hash)
	}
	return
}

func check(c proofCase, logs map[string]map[string][]byte) error {
	key, err := note.NewVerifier(c.Vkey)
	if err != nil {
		return err
	}
	size, root, err := head(c.Note, key)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(hashes(c.Path), size, root, c.Index, tlog.RecordHash([]byte(c.Leaf))); err != nil {
		return err
	}
	oldSize, oldRoot, err := head(c.Old, key)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(hashes(c.Consistency), size, root, oldSize, oldRoot); err != nil || c.Tiles == "" {
		return err
	}
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles{logs[c.Tiles], c.Tile})
	record, err := tlog.ProveRecord(size, c.Index, reader)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(record, size, root, c.Index, tlog.RecordHash([]byte(c.Leaf))); err != nil {
		return err
	}
	grown, err := tlog.ProveTree(size, oldSize, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(grown, size, root, oldSize, oldRoot)
}

func main() {
	var given struct {
		Cases []proofCase
		Logs  map[string]map[string][]byte
	}
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	for _, c := range given.Cases {
		fmt.Println(check(c, given.Logs) == nil)
	}
}
