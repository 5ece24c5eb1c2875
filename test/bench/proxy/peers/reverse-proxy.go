// The standard library's reverse proxy. IDLE_PER_HOST is what its pool keeps: 2 unless a program says otherwise.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
)

func main() {
	upstream, err := url.Parse(os.Getenv("UPSTREAM"))
	if err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(os.Getenv("CA_FILE"))
	if err != nil {
		log.Fatal(err)
	}
	idle, err := strconv.Atoi(os.Getenv("IDLE_PER_HOST"))
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	host, bearer := os.Getenv("UPSTREAM_HOST"), os.Getenv("BEARER")
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstream)
			r.Out.Host = host
			r.Out.Header.Set("Authorization", bearer)
		},
		Transport: &http.Transport{
			MaxIdleConnsPerHost: idle,
			// As http.DefaultTransport does.
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: host},
		},
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), proxy))
}
