# Uploads a file with File::Dropbox 0.7, unmodified. Its host names and https
# are fixed in the source, so the driver does what a user behind a company
# proxy does: `furlopts`, the library's own option, names a CONNECT proxy and a
# CA. The library still speaks TLS to api-content.dropbox.com.
use strict;
use warnings;

use File::Dropbox qw{ metadata };
use JSON;

die "usage: $0 PROXY-URL CA-FILE TOKEN FILE PATH CHUNK-BYTES\n" unless @ARGV == 6;
my ($proxy, $ca, $token, $file, $path, $chunk) = @ARGV;

my $dropbox = File::Dropbox->new(
	oauth2       => 1,
	access_token => $token,
	root         => 'dropbox',
	chunk        => $chunk,
	furlopts     => {
		timeout  => 60,
		proxy    => $proxy,
		ssl_opts => { SSL_verify_mode => 1, SSL_ca_file => $ca },
	},
);

open my $input, '<:raw', $file or die "open $file: $!\n";
open $dropbox, '>', $path or die "open upload: $!\n";

# Pieces that do not divide a chunk, so that the library's buffer is at work.
while (my $n = read $input, my $piece, 1_000_003) {
	print {$dropbox} $piece or die "write: $!\n";
}
close $dropbox or die "close upload: $!\n";

my $meta = metadata $dropbox;
print encode_json({ path => $meta->{'path'}, bytes => $meta->{'bytes'} + 0 }), "\n";
