import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;

/** Counters in the memory of one process, behind the JDK's own server: App.java PORT */
public class App {
    private static final ConcurrentHashMap<String, Integer> counts = new ConcurrentHashMap<>();

    public static void main(String[] words) throws IOException {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(words[0]));
        HttpServer server = HttpServer.create(address, 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/actors", App::serve);
        server.start();
    }

    private static void serve(HttpExchange exchange) throws IOException {
        String[] parts = exchange.getRequestURI().getPath().split("/");
        exchange.getRequestBody().readAllBytes();
        if (!exchange.getRequestMethod().equals("POST") || parts.length < 5 || !parts[4].equals("add")) {
            exchange.sendResponseHeaders(404, -1);
            exchange.close();
            return;
        }
        String text = String.format("{\"count\": %d, \"epoch\": %s, \"pid\": %d}", counts.merge(parts[2], 1, Integer::sum),
                exchange.getRequestHeaders().getFirst("ringside-epoch"), ProcessHandle.current().pid());
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
