# Uploads a file with File::Dropbox 0.7, unmodified, and reads it back. Its host
# names and https are fixed in the source, so the driver does what a user behind
# a company proxy does: `furlopts`, the library's own option, names a CONNECT
# proxy and a CA. The library still speaks TLS to api-content.dropbox.com and
# api.dropbox.com.
use strict;
use warnings;

use Digest::SHA;
use File::Dropbox qw{ contents metadata };
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

my $made = metadata $dropbox;

open $dropbox, '<', $path or die "open download: $!\n";
my $found = metadata $dropbox;
my $sum = Digest::SHA->new(256);
# The number that the library's read returns is one more than is in $piece: it
# always asks for a byte more.
while (read $dropbox, my $piece, $chunk) {
	$sum->add($piece);
}
die "read: $!\n" if $!;
close $dropbox or die "close download: $!\n";

my ($folder) = $path =~ m{^(.*)/};
my @listed = grep { $_->{'path'} eq $found->{'path'} } contents $dropbox, $folder;
die "the folder has the file ${\ scalar @listed } times\n" unless @listed == 1;

print encode_json({
	path   => $made->{'path'},
	bytes  => $made->{'bytes'} + 0,
	found  => { path => $listed[0]{'path'}, bytes => $found->{'bytes'} + 0 },
	sha256 => $sum->hexdigest(),
}), "\n";
