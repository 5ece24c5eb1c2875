package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func main() {
	client := sts.New(sts.Options{
		Region:           "eu-central-1",
		BaseEndpoint:     aws.String(os.Args[1]),
		Credentials:      credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		RetryMaxAttempts: 1,
	})
	_, err := client.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	var response *smithyhttp.ResponseError
	switch {
	case err == nil:
		fmt.Println("status 200")
	case errors.As(err, &response) && response.HTTPStatusCode() != 0:
		fmt.Println("status", response.HTTPStatusCode())
	default:
		fmt.Println("error", err)
	}
}
