package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

func main() {
	target, err := url.Parse(os.Args[1])
	if err != nil {
		fmt.Println("error", err)
		return
	}
	port, transport := "80", insecure.NewCredentials()
	if target.Scheme == "https" {
		port, transport = "443", credentials.NewTLS(&tls.Config{})
	}
	channel, err := grpc.NewClient(target.Host+":"+port, grpc.WithTransportCredentials(transport))
	if err != nil {
		fmt.Println("error", err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := channel.Invoke(ctx, "/demo.Demo/Call", &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
		fmt.Println("error", err)
		return
	}
	fmt.Println("status 200")
}
