// The peer of benchmarks/verifying.py: crypto/tls handshakes, so many at once; the leaf's and the chain's SHA-256.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func processor() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func look(address string, version uint16) bool {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, MaxVersion: version}
	connection, err := tls.DialWithDialer(dialer, "tcp", address, config)
	if err != nil {
		return false
	}
	defer connection.Close()
	for _, each := range connection.ConnectionState().PeerCertificates {
		sha256.Sum256(each.Raw)
	}
	return true
}

func main() {
	first, _ := strconv.Atoi(os.Args[1])
	count, _ := strconv.Atoi(os.Args[2])
	port, atOnce := os.Args[3], 256
	version := uint16(tls.VersionTLS13)
	if os.Args[4] == "1.2" {
		version = tls.VersionTLS12
	}
	began, before := time.Now(), processor()
	wanted := make(chan int, atOnce)
	var workers sync.WaitGroup
	var lock sync.Mutex
	seen := 0
	for n := 0; n < atOnce; n++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for n := range wanted {
				address := fmt.Sprintf("127.%d.%d.%d:%s", 1+n/62500, n/250%250, 1+n%250, port)
				if look(address, version) {
					lock.Lock()
					seen++
					lock.Unlock()
				}
			}
		}()
	}
	for n := first; n < first+count; n++ {
		wanted <- n
	}
	close(wanted)
	workers.Wait()
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seen": seen, "seconds": time.Since(began).Seconds(), "processor": processor() - before,
	})
}
