/** Where the chart installs the product. */
export const SYSTEM = 'outbound-jwt-e2e-system'
/** Where partner, AWS emulator and other injectors run. */
export const WORLD = 'outbound-jwt-e2e'
/** Name of the release, and of everything the chart makes. */
export const PRODUCT = 'aws-outbound-jwt-injector'
export const CHART = 'charts/aws-outbound-jwt-injector'
/** Partner, clouds, application, other injectors: one image. */
export const WORLD_IMAGE = 'ghcr.io/aws-outbound-jwt-injector/partner:e2e'
/** A forward proxy. */
export const SQUID_IMAGE = 'ghcr.io/aws-outbound-jwt-injector/squid:e2e'
/** Stock clients and SDKs of clouds. */
export const CLIENTS_IMAGE = 'ghcr.io/aws-outbound-jwt-injector/clients:e2e'
export const ROLE_ARN = 'arn:aws:iam::123456789012:role/orders'
export const ANNOTATION = 'outbound-jwt.io/'
/** The partner as the cluster's DNS knows it. */
export const PARTNER_SERVICE = `partner.${WORLD}.svc.cluster.local`
