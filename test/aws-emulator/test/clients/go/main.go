// The Go SDK as a client of the emulator, configured by environment variables alone, as in a pod.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func main() {
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := sts.NewFromConfig(settings)
	identity, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		log.Fatal(err)
	}
	request := &sts.GetWebIdentityTokenInput{
		Audience:         []string{"https://api.partner.example"},
		SigningAlgorithm: aws.String("ES384"),
		DurationSeconds:  aws.Int32(600),
	}
	answer, err := client.GetWebIdentityToken(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	// A session of an hour cannot hold a token of an hour.
	request.DurationSeconds = aws.Int32(3600)
	_, err = client.GetWebIdentityToken(ctx, request)
	var refusal smithy.APIError
	if !errors.As(err, &refusal) {
		log.Fatalf("expected a refusal, got %v", err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{
		"arn":        identity.Arn,
		"token":      answer.WebIdentityToken,
		"expiration": answer.Expiration,
		"refusal":    refusal.ErrorCode(),
	}); err != nil {
		log.Fatal(err)
	}
}
