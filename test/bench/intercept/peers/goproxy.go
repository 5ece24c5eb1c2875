// elazarl/goproxy at its best: every host's certificate is signed once, and the pool fits the load.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/elazarl/goproxy"
)

type store struct {
	lock         sync.Mutex
	certificates map[string]*tls.Certificate
}

func (s *store) Fetch(host string, sign func() (*tls.Certificate, error)) (*tls.Certificate, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if known, ok := s.certificates[host]; ok {
		return known, nil
	}
	certificate, err := sign()
	if err == nil {
		s.certificates[host] = certificate
	}
	return certificate, err
}

func main() {
	authority, err := tls.LoadX509KeyPair(os.Getenv("SIGNING_CERT"), os.Getenv("SIGNING_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	if authority.Leaf, err = x509.ParseCertificate(authority.Certificate[0]); err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(os.Getenv("CA_FILE"))
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	address, bearer := os.Getenv("PARTNER_ADDRESS"), os.Getenv("BEARER")

	proxy := goproxy.NewProxyHttpServer()
	proxy.CertStore = &store{certificates: map[string]*tls.Certificate{}}
	proxy.Tr = &http.Transport{
		MaxIdleConnsPerHost: 256,
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, target string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(target)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(address, port))
		},
	}
	intercept := &goproxy.ConnectAction{Action: goproxy.ConnectMitm, TLSConfig: goproxy.TLSConfigFromCA(&authority)}
	proxy.OnRequest().HandleConnectFunc(func(host string, _ *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
		return intercept, host
	})
	proxy.OnRequest().DoFunc(func(r *http.Request, _ *goproxy.ProxyCtx) (*http.Request, *http.Response) {
		r.Header.Set("Authorization", bearer)
		return r, nil
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), proxy))
}
