// Calls a URL with the client of the matrix twice a second, in one process: what it trusts is read once.
class Loop {
  public static void main(String[] arguments) throws Exception {
    while (true) {
      try {
        Client.main(arguments);
      } catch (java.io.IOException error) {
        System.out.println("error " + error);
      }
      Thread.sleep(500);
    }
  }
}
