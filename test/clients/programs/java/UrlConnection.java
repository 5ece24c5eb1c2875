import java.net.HttpURLConnection;
import java.net.URI;

class UrlConnection {
  public static void main(String[] arguments) throws Exception {
    HttpURLConnection connection = (HttpURLConnection) URI.create(arguments[0]).toURL().openConnection();
    connection.setConnectTimeout(8000);
    connection.setReadTimeout(8000);
    System.out.println("status " + connection.getResponseCode());
  }
}
