// Command delay holds back every packet that is routed into its TUN device,
// and gives it to the kernel again: delay NAME DURATION.
package main

import (
	"log"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The largest packet of IPv4 and, without jumbograms, of IPv6.
const packetBytesMax = 65_535

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: delay NAME DURATION")
	}
	span, err := time.ParseDuration(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	device, err := open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	packet := make([]byte, packetBytesMax)
	for {
		n, err := device.Read(packet)
		if err != nil {
			log.Fatal(err)
		}
		held := append([]byte(nil), packet[:n]...)
		time.AfterFunc(span, func() {
			if _, err := device.Write(held); err != nil {
				log.Print(err)
			}
		})
	}
}

// open makes the TUN device of that name; it goes with the process.
func open(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	request := struct {
		name  [unix.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: unix.IFF_TUN | unix.IFF_NO_PI}
	copy(request.name[:unix.IFNAMSIZ-1], name)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNSETIFF, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return nil, errno
	}
	return os.NewFile(uintptr(fd), name), nil
}
