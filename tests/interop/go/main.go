// A legacy host, steered by JSON lines on stdin and stdout; tests/interop/python/legacy_peer.py is the same in Python.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pb "ringside.test/interop/messages"
)

type object = map[string]any

// asked is one line of the test's.
type asked struct {
	N                     int
	Do, What, Key         string
	Is, Value, Has, Lacks any
	Least                 int
	Timeout               float64
	ID, Text, To, Method  string
	Request               json.RawMessage
}

func (a asked) timeout(otherwise float64) time.Duration {
	if a.Timeout > 0 {
		otherwise = a.Timeout
	}
	return time.Duration(otherwise * float64(time.Second))
}

// state must be called with the lock held.
func (p *Peer) state() object {
	claims, hints, applied := []string{}, object{}, object{}
	for _, id := range slices.Sorted(maps.Keys(p.claims)) {
		claims = append(claims, strconv.FormatUint(id, 10))
	}
	slices.Sort(claims)
	for id, host := range p.hints {
		hints[strconv.FormatUint(id, 10)] = host
	}
	for id, texts := range p.applied {
		applied[strconv.FormatUint(id, 10)] = texts
	}
	return object{"name": p.name, "hosts": slices.Sorted(maps.Keys(p.withSelf())), "claims": claims, "hints": hints,
		"applied": applied, "calls": p.calls, "ring": fmt.Sprintf("%016x", p.ring.Fingerprint())}
}

// plain is the state as the test will read it.
func (p *Peer) plain() object {
	text, _ := json.Marshal(p.state())
	var out object
	json.Unmarshal(text, &out)
	return out
}

func (p *Peer) holds(a asked) bool {
	value := p.plain()[a.What]
	list, _ := value.([]any)
	table, _ := value.(object)
	switch {
	case a.Is != nil:
		return reflect.DeepEqual(value, a.Is)
	case a.Has != nil:
		return slices.Contains(list, a.Has) || table[fmt.Sprint(a.Has)] != nil
	case a.Lacks != nil:
		return !slices.Contains(list, a.Lacks) && table[fmt.Sprint(a.Lacks)] == nil
	case a.Least > 0:
		count, _ := table[a.Key].(float64)
		return count >= float64(a.Least)
	default:
		return reflect.DeepEqual(table[a.Key], a.Value)
	}
}

func (p *Peer) await(a asked) object {
	late := false
	timer := time.AfterFunc(a.timeout(20), func() { p.locked(func() { late = true }) })
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.holds(a) && !late {
		p.changed.Wait()
	}
	return object{"met": p.holds(a), "state": p.plain()}
}

func told(reply proto.Message, trailers metadata.MD, err error) object {
	if err != nil {
		flat := object{}
		for name, values := range trailers {
			flat[name] = values[len(values)-1]
		}
		said := status.Convert(err)
		return object{"code": codeName(said), "message": said.Message(), "trailers": flat}
	}
	text, _ := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(reply)
	return object{"code": "OK", "reply": json.RawMessage(text)}
}

func codeName(said *status.Status) string {
	return [...]string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
		"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
		"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}[said.Code()]
}

func (p *Peer) rpc(a asked) object {
	kinds := map[string][2]proto.Message{
		"Ping": {&pb.Empty{}, &pb.PingReply{}}, "Negotiate": {&pb.NegotiateRequest{}, &pb.NegotiateReply{}},
		"GetLocalActorIds":  {&pb.Empty{}, &pb.ActorIdsReply{}},
		"AnnounceOwnership": {&pb.OwnershipAnnounce{}, &pb.OwnerChangeAck{}},
		"Apply":             {&pb.ApplyRequest{}, &pb.ApplyResult{}},
		"AnnounceExpiry":    {&pb.ExpiryAnnounce{}, &pb.OwnerChangeAck{}},
		"Closing":           {&pb.ClosingNotice{}, &pb.OwnerChangeAck{}}}
	request, reply := kinds[a.Method][0], kinds[a.Method][1]
	if len(a.Request) > 0 {
		if err := protojson.Unmarshal(a.Request, request); err != nil {
			return object{"error": err.Error()}
		}
	}
	to := dial(canonical(a.To))
	defer to.conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), a.timeout(10))
	defer cancel()
	var trailers metadata.MD
	err := to.conn.Invoke(ctx, "/messages.ControlPlane/"+a.Method, request, reply, grpc.Trailer(&trailers))
	return told(reply, trailers, err)
}

func (p *Peer) do(a asked) object {
	switch a.Do {
	case "state":
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.plain()
	case "await":
		return p.await(a)
	case "apply":
		message, _ := anypb.New(wrapperspb.String(a.Text))
		id, _ := strconv.ParseUint(a.ID, 10, 64)
		ctx, cancel := context.WithTimeout(context.Background(), a.timeout(10))
		defer cancel()
		reply, err := p.Apply(ctx, &pb.ApplyRequest{Id: id, Messages: []*anypb.Any{message}})
		return told(reply, nil, err)
	case "expire":
		id, _ := strconv.ParseUint(a.ID, 10, 64)
		return object{"acks": p.expire(id)}
	case "rpc":
		return p.rpc(a)
	case "close":
		return object{"acks": p.sayGoodbye()}
	}
	return object{"error": "what?"}
}

func main() {
	host := flag.String("host", "127.0.0.1:0", "")
	points := flag.Int("points", 512, "")
	interval := flag.Float64("ping-interval", 0.1, "seconds")
	var join []string
	flag.Func("join", "", func(address string) error { join = append(join, address); return nil })
	flag.Parse()
	listener, err := net.Listen("tcp", *host)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	address, _, _ := net.SplitHostPort(*host)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	peer := NewPeer(canonical(net.JoinHostPort(address, port)), *points, join, time.Duration(*interval*float64(time.Second)))
	peer.Serve(listener)

	var one sync.Mutex
	say := func(line object) {
		one.Lock()
		defer one.Unlock()
		json.NewEncoder(os.Stdout).Encode(line)
	}
	say(object{"name": peer.name})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var a asked
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			say(object{"error": err.Error()})
			continue
		}
		go func() {
			answer := peer.do(a)
			answer["n"] = a.N
			say(answer)
		}()
	}
}
