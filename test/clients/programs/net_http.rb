require 'net/http'

puts "status #{Net::HTTP.get_response(URI(ARGV[0])).code}"
