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

func check(c proofCase) error {
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
	return tlog.CheckTree(hashes(c.Consistency), size, root, oldSize, oldRoot)
}

func main() {
	var cases []proofCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	for _, c := range cases {
		fmt.Println(check(c) == nil)
	}
}
