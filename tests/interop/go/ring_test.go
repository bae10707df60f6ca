package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"
)

type vectors struct {
	Hashes struct{ Keys, Points, Names map[string]string }
	Rings  []struct {
		Hosts       []string
		Points      int
		Fingerprint string
		FirstPoints [][2]string `json:"first_points"`
		Owners      map[string]string
	}
}

func hex(hash uint64) string { return fmt.Sprintf("%016x", hash) }

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, should be %s", what, got, want)
	}
}

func number(text string) uint64 {
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return id
}

// The Go ring reproduces tests/vectors/ring.json, named by RING_VECTORS.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile(os.Getenv("RING_VECTORS"))
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil || len(v.Rings) == 0 {
		t.Fatal("no vectors", err)
	}
	for id, want := range v.Hashes.Keys {
		same(t, "key "+id, hex(key(number(id))), want)
	}
	for name, want := range v.Hashes.Names {
		same(t, "name "+name, strconv.FormatUint(nameID(name), 10), want)
	}
	for _, c := range v.Rings {
		ring := NewRing(c.Hosts, c.Points)
		same(t, "fingerprint", hex(ring.Fingerprint()), c.Fingerprint)
		for i, first := range c.FirstPoints {
			same(t, "point", hex(ring.points[i].hash)+ring.points[i].host, first[0]+first[1])
		}
		for id, want := range c.Owners {
			same(t, "owner of "+id, ring.Owner(number(id)), want)
		}
	}
}

func TestNames(t *testing.T) {
	for given, name := range map[string]string{
		"10.0.0.1:1337": "10.0.0.1", "10.0.0.1:1400": "10.0.0.1:1400", "[2001:DB8::0:1]:1337": "2001:db8::1",
		"[2001:db8:0::1]:99": "[2001:db8::1]:99", "::ffff:10.0.0.1": "10.0.0.1", "Shop-0.Default.SVC.": "shop-0.default.svc",
	} {
		same(t, given, canonical(given), name)
	}
}
