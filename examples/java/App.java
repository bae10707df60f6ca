// A counter actor over HTTP; java App.java, then: ringside serve --app http://127.0.0.1:8080
// Method calls only: batches carry JSON, and the JDK reads none.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;

public class App {
  static final Map<String, Integer> counts = new HashMap<>();
  static final Map<String, Long> fences = new HashMap<>();  // a fence outlives its actor

  static void answer(HttpExchange http, int status, String body) throws IOException {
    byte[] data = body.getBytes("UTF-8");
    http.getResponseHeaders().set("ringside-app-instance", String.valueOf(ProcessHandle.current().pid()));
    http.sendResponseHeaders(status, data.length == 0 ? -1 : data.length);
    http.getResponseBody().write(data);
    http.close();
  }

  static synchronized void actors(HttpExchange http) throws IOException {
    String[] parts = http.getRequestURI().getPath().split("/");  // /actors/{id}/method/{path}
    http.getRequestBody().readAllBytes();
    if (http.getRequestMethod().equals("DELETE")) {
      if (parts.length > 2) counts.remove(parts[2]); else counts.clear();
      answer(http, 200, "");
      return;
    }
    if (parts.length < 5 || !parts[3].equals("method")) {
      answer(http, 404, "only method calls");
      return;
    }
    long epoch = Long.parseLong(http.getRequestHeaders().getFirst("ringside-epoch"));
    if (epoch < fences.getOrDefault(parts[2], 0L)) {
      answer(http, 409, "an older activation");
      return;
    }
    fences.put(parts[2], epoch);
    int count = counts.merge(parts[2], 1, Integer::sum);
    answer(http, 200, "{\"app\":\"Java\",\"count\":" + count + ",\"epoch\":" + epoch + "}");
  }

  public static void main(String[] arguments) throws IOException {
    System.setProperty("sun.net.httpserver.nodelay", "true");
    int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8080"));
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 128);
    server.createContext("/actors", App::actors);
    server.createContext("/healthz", http -> answer(http, 200, "ok"));
    server.start();
    System.out.println("listening on " + server.getAddress().getPort());
  }
}
