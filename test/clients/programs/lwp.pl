use strict;
use warnings;
use LWP::UserAgent;

my ($mode, $url) = @ARGV;
my $agent = LWP::UserAgent->new(timeout => 8, env_proxy => $mode eq 'env_proxy');
my $response = $agent->get($url);
print "status ", $response->code, "\n", $response->status_line, "\n";
