package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pb "ringside.test/interop/messages"
)

const (
	missesOfTheDead = 3
	controlTimeout  = 2 * time.Second
)

type remote struct {
	name   string
	misses int
	conn   *grpc.ClientConn
	pb.ControlPlaneClient
}

func dial(name string) *remote {
	retry := grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, MaxDelay: 200 * time.Millisecond}}
	conn, err := grpc.NewClient(dialled(name), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(retry), grpc.WithNoProxy())
	if err != nil {
		panic(err)
	}
	return &remote{name: name, conn: conn, ControlPlaneClient: pb.NewControlPlaneClient(conn)}
}

func soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), controlTimeout)
}

// Peer is a host that knows nothing but the given control_plane.proto and docs/ring.md.
type Peer struct {
	pb.UnimplementedControlPlaneServer
	name         string
	points       int
	join         []string
	pingInterval time.Duration

	mu         sync.Mutex
	changed    *sync.Cond
	ring       *Ring
	members    map[string]*remote
	adopting   map[string]bool
	claims     map[uint64]bool
	announcing map[uint64]bool
	hints      map[uint64]string
	applied    map[uint64][]string
	calls      map[string]int
}

func NewPeer(name string, points int, join []string, pingInterval time.Duration) *Peer {
	p := &Peer{name: name, points: points, join: join, pingInterval: pingInterval, ring: NewRing([]string{name}, points),
		members: map[string]*remote{}, adopting: map[string]bool{}, claims: map[uint64]bool{}, announcing: map[uint64]bool{},
		hints: map[uint64]string{}, applied: map[uint64][]string{}, calls: map[string]int{}}
	p.changed = sync.NewCond(&p.mu)
	return p
}

func (p *Peer) Serve(listener net.Listener) {
	server := grpc.NewServer(grpc.UnaryInterceptor(
		func(ctx context.Context, req any, info *grpc.UnaryServerInfo, serve grpc.UnaryHandler) (any, error) {
			p.locked(func() { p.calls[info.FullMethod[len("/messages.ControlPlane/"):]]++ })
			return serve(ctx, req)
		}))
	pb.RegisterControlPlaneServer(server, p)
	go server.Serve(listener)
	go p.keepMembers()
}

// locked runs a change of state, and wakes whoever waits for one.
func (p *Peer) locked(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.changed.Broadcast()
}

// ---- the seven methods ----

func (p *Peer) Ping(context.Context, *pb.Empty) (*pb.PingReply, error) {
	return &pb.PingReply{Host: p.name, UnixTime: time.Now().Unix()}, nil
}

func (p *Peer) Negotiate(_ context.Context, req *pb.NegotiateRequest) (*pb.NegotiateReply, error) {
	for _, host := range req.KnownHosts {
		go p.adopt(canonical(host))
	}
	return &pb.NegotiateReply{Hosts: p.hosts()}, nil
}

func (p *Peer) GetLocalActorIds(context.Context, *pb.Empty) (*pb.ActorIdsReply, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &pb.ActorIdsReply{Ids: slices.Sorted(maps.Keys(p.claims))}, nil
}

func (p *Peer) AnnounceOwnership(_ context.Context, req *pb.OwnershipAnnounce) (*pb.OwnerChangeAck, error) {
	host, refused := canonical(req.Host), ""
	p.locked(func() {
		for _, id := range req.Ids {
			holder, known := p.hints[id]
			if p.claims[id] {
				holder, known = p.name, true
			}
			if known && holder != host {
				refused = fmt.Sprintf("actor %d is owned by %s", id, holder)
			} else {
				p.hints[id] = host
			}
		}
	})
	return &pb.OwnerChangeAck{Accepted: refused == "", Message: refused}, nil
}

func (p *Peer) Apply(ctx context.Context, req *pb.ApplyRequest) (*pb.ApplyResult, error) {
	p.mu.Lock()
	for p.announcing[req.Id] {
		p.changed.Wait()
	}
	owner := p.ring.Owner(req.Id)
	if hinted, known := p.hints[req.Id]; known {
		owner = hinted
	}
	if p.claims[req.Id] {
		owner = p.name
	}
	firstTouch := owner == p.name && !p.claims[req.Id]
	if firstTouch {
		p.claims[req.Id], p.announcing[req.Id] = true, true
	}
	p.mu.Unlock()
	if firstTouch {
		owner = p.announce(req.Id)
	}
	if owner != p.name {
		return p.forward(ctx, owner, req)
	}
	var texts []string
	for _, message := range req.Messages {
		var text wrapperspb.StringValue
		if message.UnmarshalTo(&text) == nil {
			texts = append(texts, text.Value)
		} else {
			texts = append(texts, message.TypeUrl)
		}
	}
	p.locked(func() { p.applied[req.Id] = append(p.applied[req.Id], texts...) })
	return &pb.ApplyResult{Accepted: !slices.Contains(texts, "refuse")}, nil
}

func (p *Peer) AnnounceExpiry(_ context.Context, req *pb.ExpiryAnnounce) (*pb.OwnerChangeAck, error) {
	p.locked(func() {
		for _, id := range req.Ids {
			if p.hints[id] == canonical(req.Host) {
				delete(p.hints, id)
			}
		}
	})
	return &pb.OwnerChangeAck{Accepted: true}, nil
}

func (p *Peer) Closing(_ context.Context, req *pb.ClosingNotice) (*pb.OwnerChangeAck, error) {
	p.drop(canonical(req.Host))
	return &pb.OwnerChangeAck{Accepted: true}, nil
}

// ---- routing ----

// announce tells everybody of a claim; who was first keeps it. It returns the owner.
func (p *Peer) announce(id uint64) string {
	answers := map[string]bool{}
	p.tellAll(func(ctx context.Context, to *remote) (*pb.OwnerChangeAck, error) {
		return to.AnnounceOwnership(ctx, &pb.OwnershipAnnounce{Host: p.name, Ids: []uint64{id}})
	}, func(name string, accepted bool, err error) { answers[name] = accepted || err != nil })
	owner := p.name
	for name, accepted := range answers {
		if !accepted {
			owner = name
		}
	}
	p.locked(func() {
		if owner != p.name {
			delete(p.claims, id)
			p.hints[id] = owner
		}
		delete(p.announcing, id)
	})
	return owner
}

func (p *Peer) forward(ctx context.Context, owner string, req *pb.ApplyRequest) (*pb.ApplyResult, error) {
	p.mu.Lock()
	to := p.members[owner]
	p.mu.Unlock()
	if to == nil {
		return nil, status.Error(codes.Unavailable, owner+" is not a member")
	}
	return to.Apply(ctx, req)
}

func (p *Peer) expire(id uint64) map[string]any {
	p.locked(func() { delete(p.claims, id) })
	acks := map[string]any{}
	p.tellAll(func(ctx context.Context, to *remote) (*pb.OwnerChangeAck, error) {
		return to.AnnounceExpiry(ctx, &pb.ExpiryAnnounce{Host: p.name, Ids: []uint64{id}})
	}, collect(acks))
	return acks
}

func (p *Peer) sayGoodbye() map[string]any {
	acks := map[string]any{}
	p.tellAll(func(ctx context.Context, to *remote) (*pb.OwnerChangeAck, error) {
		return to.Closing(ctx, &pb.ClosingNotice{Host: p.name})
	}, collect(acks))
	return acks
}

func collect(acks map[string]any) func(string, bool, error) {
	return func(name string, accepted bool, err error) {
		if acks[name] = accepted; err != nil {
			acks[name] = status.Code(err).String()
		}
	}
}

func (p *Peer) tellAll(ask func(context.Context, *remote) (*pb.OwnerChangeAck, error), heard func(string, bool, error)) {
	p.mu.Lock()
	members := slices.Collect(maps.Values(p.members))
	p.mu.Unlock()
	var wait sync.WaitGroup
	var one sync.Mutex
	for _, to := range members {
		wait.Add(1)
		go func() {
			defer wait.Done()
			ctx, cancel := soon()
			defer cancel()
			ack, err := ask(ctx, to)
			one.Lock()
			defer one.Unlock()
			heard(to.name, ack.GetAccepted(), err)
		}()
	}
	wait.Wait()
}
