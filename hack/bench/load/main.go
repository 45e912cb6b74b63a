// Sends one request again and again over TLS connections that are kept, and measures: as fast as answers come (-rate 0), or at a
// rate, with delays counted from the instant at which each request was due. Prints one line of JSON.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

type result struct {
	Requests         int     `json:"requests"`
	PerSecond        float64 `json:"perSecond"`
	CPUMicrosPer     float64 `json:"cpuMicrosPerRequest"`
	PerSecondPerCore float64 `json:"perSecondPerCore"`
	P50Micros        int64   `json:"p50Micros"`
	P99Micros        int64   `json:"p99Micros"`
	MaxMicros        int64   `json:"maxMicros"`
	ResidentKiB      int64   `json:"residentKiB"`
}

// The kernel counts CPU time in these.
const ticksPerSecond = 100

type client struct {
	stream *tls.Conn
	reader *bufio.Reader
}

func dial(address string, config *tls.Config) *client {
	stream, err := tls.Dial("tcp", address, config)
	if err != nil {
		log.Fatalf("could not connect to %s (%v)", address, err)
	}
	return &client{stream, bufio.NewReaderSize(stream, 16<<10)}
}

// ask sends the request and takes the answer; anything but a 200 ends the whole measurement, for it would measure something else.
func (c *client) ask(request []byte, keep bool) []byte {
	if _, err := c.stream.Write(request); err != nil {
		log.Fatalf("could not send (%v)", err)
	}
	length, isFirst := 0, true
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			log.Fatalf("no whole answer (%v)", err)
		}
		if isFirst && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			log.Fatalf("answered %q", line)
		}
		isFirst = false
		if len(line) <= 2 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); strings.EqualFold(string(name), "content-length") {
			if length, err = strconv.Atoi(strings.TrimSpace(string(value))); err != nil {
				log.Fatal(err)
			}
		}
	}
	if keep {
		body := make([]byte, length)
		if _, err := io.ReadFull(c.reader, body); err != nil {
			log.Fatal(err)
		}
		return body
	}
	if _, err := c.reader.Discard(length); err != nil {
		log.Fatal(err)
	}
	return nil
}

func cpuTicks(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		log.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return user + system
}

func residentKiB(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if rest, is := strings.CutPrefix(line, "VmHWM:"); is {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib
		}
	}
	return 0
}

// run has each connection ask in a loop; at a rate, the nth request of all is due at n/rate.
func run(clients []*client, request []byte, seconds, rate float64) []int64 {
	var wait sync.WaitGroup
	each := make([][]int64, len(clients))
	began := time.Now()
	until := began.Add(time.Duration(seconds * float64(time.Second)))
	for i, c := range clients {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := i; ; n += len(clients) {
				due := time.Now()
				if rate > 0 {
					due = began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
					time.Sleep(time.Until(due))
				}
				if !due.Before(until) {
					return
				}
				c.ask(request, false)
				each[i] = append(each[i], time.Since(due).Microseconds())
			}
		}()
	}
	wait.Wait()
	var all []int64
	for _, one := range each {
		all = append(all, one...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return all
}

func main() {
	log.SetFlags(0)
	address := flag.String("address", "", "IP:PORT of the server")
	name := flag.String("name", "localhost", "the name its certificate is for")
	authority := flag.String("ca", "", "PEM file of the CA to believe")
	path := flag.String("path", "/", "path of the URL")
	body := flag.String("body", "", "file to send")
	connections := flag.Int("connections", 8, "connections kept")
	seconds := flag.Float64("seconds", 3, "how long")
	rate := flag.Float64("rate", 0, "requests per second; 0: as fast as answers come")
	pid := flag.Int("pid", 0, "process of the server")
	expect := flag.String("expect", "", "text that an answer has to hold")
	flag.Parse()

	pem, err := os.ReadFile(*authority)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	payload, err := os.ReadFile(*body)
	if err != nil {
		log.Fatal(err)
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", *path, *name, len(payload))
	request := append([]byte(head), payload...)
	config := &tls.Config{RootCAs: roots, ServerName: *name, NextProtos: []string{"http/1.1"}}
	if _, _, err := net.SplitHostPort(*address); err != nil {
		log.Fatal(err)
	}
	clients := make([]*client, *connections)
	for i := range clients {
		clients[i] = dial(*address, config)
		if said := clients[i].ask(request, true); !bytes.Contains(said, []byte(*expect)) {
			log.Fatalf("the answer does not hold %q: %s", *expect, said)
		}
	}
	before, began := cpuTicks(*pid), time.Now()
	all := run(clients, request, *seconds, *rate)
	took, ticks := time.Since(began).Seconds(), cpuTicks(*pid)-before
	if len(all) == 0 || ticks == 0 {
		log.Fatal("too short to measure anything: raise -seconds")
	}
	micros := float64(ticks) / ticksPerSecond * 1e6 / float64(len(all))
	_ = json.NewEncoder(os.Stdout).Encode(result{
		Requests: len(all), PerSecond: float64(len(all)) / took, CPUMicrosPer: micros, PerSecondPerCore: 1e6 / micros,
		P50Micros: all[len(all)/2], P99Micros: all[len(all)*99/100], MaxMicros: all[len(all)-1], ResidentKiB: residentKiB(*pid),
	})
}
