package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	client := &http.Client{Timeout: 8 * time.Second}
	response, err := client.Get(os.Args[1])
	if err != nil {
		fmt.Println("error", err)
		return
	}
	fmt.Println("status", response.StatusCode)
}
