// The ring by docs/ring.md.
package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

const defaultPort = "1337"

type point struct {
	hash uint64
	host string
}

// Ring is immutable; another set of hosts is another ring.
type Ring struct {
	hosts  []string
	perOne int
	points []point
}

func NewRing(hosts []string, perOne int) *Ring {
	r := &Ring{hosts: slices.Sorted(slices.Values(hosts)), perOne: perOne}
	for _, host := range r.hosts {
		for i := 0; i < perOne; i++ {
			r.points = append(r.points, point{xxhash.Sum64String(fmt.Sprintf("%s#%d", host, i)), host})
		}
	}
	sort.Slice(r.points, func(a, b int) bool {
		if r.points[a].hash != r.points[b].hash {
			return r.points[a].hash < r.points[b].hash
		}
		return r.points[a].host < r.points[b].host
	})
	return r
}

func key(id uint64) uint64 {
	var bytes [8]byte
	binary.LittleEndian.PutUint64(bytes[:], id)
	return xxhash.Sum64(bytes[:])
}

func nameID(text string) uint64 { return max(xxhash.Sum64String(text), 1) }

func (r *Ring) Owner(id uint64) string {
	k := key(id)
	at := sort.Search(len(r.points), func(i int) bool { return r.points[i].hash >= k })
	return r.points[at%len(r.points)].host
}

func (r *Ring) Fingerprint() uint64 {
	return xxhash.Sum64String(strings.Join(append([]string{strconv.Itoa(r.perOne)}, r.hosts...), "\n"))
}

// canonical is the one name of a host: default port stripped, IPv6 by RFC 5952, DNS names in lower case.
func canonical(host string) string {
	address, port := host, ""
	if strings.HasPrefix(host, "[") {
		address, port, _ = strings.Cut(host[1:], "]")
		port = strings.TrimPrefix(port, ":")
	} else if strings.Count(host, ":") == 1 {
		address, port, _ = strings.Cut(host, ":")
	}
	if ip, err := netip.ParseAddr(address); err == nil {
		address = ip.Unmap().String()
	} else {
		address = strings.TrimSuffix(strings.ToLower(address), ".")
	}
	switch {
	case port == "" || port == defaultPort:
		return address
	case strings.Contains(address, ":"):
		return "[" + address + "]:" + port
	default:
		return address + ":" + port
	}
}

// dialled is what gRPC dials for a canonical name.
func dialled(host string) string {
	switch {
	case strings.HasPrefix(host, "[") || strings.Count(host, ":") == 1:
		return host
	case strings.Contains(host, ":"):
		return "[" + host + "]:" + defaultPort
	default:
		return host + ":" + defaultPort
	}
}
