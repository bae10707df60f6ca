package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "ringside.test/interop/messages"
)

func (p *Peer) hosts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.withSelf()))
}

func (p *Peer) withSelf() map[string]bool {
	names := map[string]bool{p.name: true}
	for name := range p.members {
		names[name] = true
	}
	return names
}

func (p *Peer) rebuild() { p.ring = NewRing(slices.Collect(maps.Keys(p.withSelf())), p.points) }

// adopt looks at a host; one that answers by that name is a member from then on, and told of all that we know.
func (p *Peer) adopt(name string) {
	p.mu.Lock()
	known := name == p.name || p.members[name] != nil || p.adopting[name]
	if !known {
		p.adopting[name] = true
	}
	p.mu.Unlock()
	if known {
		return
	}
	defer p.locked(func() { delete(p.adopting, name) })
	ctx, cancel := soon()
	defer cancel()
	to := dial(name)
	says, err := to.Ping(ctx, &pb.Empty{})
	if err != nil || canonical(says.Host) != name {
		to.conn.Close()
		return
	}
	p.locked(func() {
		p.members[name] = to
		p.rebuild()
	})
	if err := p.introduce(ctx, to); status.Code(err) == codes.FailedPrecondition {
		p.drop(name)
	}
}

func (p *Peer) introduce(ctx context.Context, to *remote) error {
	view, err := to.Negotiate(ctx, &pb.NegotiateRequest{KnownHosts: p.hosts()})
	if err != nil {
		return err
	}
	held, err := to.GetLocalActorIds(ctx, &pb.Empty{})
	p.locked(func() {
		for _, id := range held.GetIds() {
			if !p.claims[id] {
				p.hints[id] = to.name
			}
		}
	})
	for _, other := range view.Hosts {
		go p.adopt(canonical(other))
	}
	return err
}

func (p *Peer) drop(name string) {
	p.locked(func() {
		if p.members[name] == nil {
			return
		}
		delete(p.members, name)
		p.rebuild()
		maps.DeleteFunc(p.hints, func(_ uint64, host string) bool { return host == name })
	})
}

func (p *Peer) keepMembers() {
	joined := map[string]bool{}
	for ; ; time.Sleep(p.pingInterval) {
		p.mu.Lock()
		for _, address := range p.join {
			joined[address] = joined[address] || p.members[canonical(address)] != nil
		}
		members := slices.Collect(maps.Values(p.members))
		p.mu.Unlock()
		for _, address := range p.join {
			if !joined[address] {
				go p.adopt(canonical(address))
			}
		}
		for _, to := range members {
			go p.probe(to)
		}
	}
}

func (p *Peer) probe(to *remote) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	says, err := to.Ping(ctx, &pb.Empty{})
	p.mu.Lock()
	if err == nil && canonical(says.Host) == to.name {
		to.misses = 0
	} else {
		to.misses++
	}
	dead := to.misses >= missesOfTheDead
	p.mu.Unlock()
	if dead {
		p.drop(to.name)
	}
}
