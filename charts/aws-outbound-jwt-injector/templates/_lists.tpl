{{/* Generated from the code by `npm run generate`; do not edit. */}}
{{- define "injector.sidecarVariables" -}}['LISTEN_ADDR', 'ADMIN_LISTEN_ADDR', 'ROUTES', 'UNMATCHED', 'EXPECTED_ROLE_ARN', 'CREDENTIALS', 'LOG_LEVEL', 'POD_NAME', 'POD_NAMESPACE', 'TRUST_DIR', 'AUTHORITY_DIR', 'EXTRA_CA_FILE', 'STEERED_PORTS', 'TOKEN_FILES', 'TOKENS_DIR', 'EGRESS_PROXY', 'EGRESS_NO_PROXY', 'EGRESS_CREDENTIALS_FILE', 'AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_REGION', 'AWS_STS_REGIONAL_ENDPOINTS', 'AWS_EC2_METADATA_DISABLED', 'AWS_DEFAULT_REGION', 'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']{{- end -}}
{{- define "injector.harmlessPrefixes" -}}['AZURE_', 'DD_', 'KUBERNETES_', 'OTEL_']{{- end -}}
{{- define "injector.injectionMarks" -}}['ROUTES', 'TOKEN_FILES']{{- end -}}
{{- define "injector.volumePrefix" -}}'aws-outbound-jwt-'{{- end -}}
{{- define "injector.sharedVolumes" -}}['aws-outbound-jwt-trust', 'aws-outbound-jwt-tokens']{{- end -}}
