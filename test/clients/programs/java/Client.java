import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

class Client {
  public static void main(String[] arguments) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[0])).timeout(Duration.ofSeconds(8)).build();
    HttpResponse<String> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    boolean expectsHttp2 = request.uri().getScheme().equals("https") && request.uri().getHost().equals("api.partner.example");
    if (expectsHttp2 && response.version() != HttpClient.Version.HTTP_2) System.out.println("error " + response.version());
    else System.out.println("status " + response.statusCode());
  }
}
