// Pushes a file over HTTPS with the JDK alone (11 or newer), goes on after a cut, and prints the report.
// HUB_KEY=hub_… java Push.java https://hub.example:8080 rb28s 2022-Q4 FILE
import java.io.*;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.security.*;
import java.util.UUID;

public class Push {
    static final int PIECE = 1 << 20;
    static final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    /** Every request is safe to repeat: the request id says that it is the same push. None after a cut. */
    static HttpResponse<String> once(String method, URI address, byte[] body, String... headers) throws Exception {
        var request = HttpRequest.newBuilder(address).method(method, HttpRequest.BodyPublishers.ofByteArray(body))
            .header("Authorization", "Bearer " + System.getenv("HUB_KEY"));
        for (int at = 0; at < headers.length; at += 2) request.header(headers[at], headers[at + 1]);
        try {
            var answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            return answer.statusCode() == 503 || answer.statusCode() == 429 ? null : answer;
        } catch (IOException cut) {
            return null;
        }
    }
    static HttpResponse<String> call(String method, URI address, byte[] body, String... headers) throws Exception {
        for (int pause : new int[] {200, 1000, 5000, 0}) {
            var answer = once(method, address, body, headers);
            if (answer != null && answer.statusCode() < 400) return answer;
            if (answer != null || pause == 0) throw new IOException(answer == null ? "no hub" : answer.body());
            Thread.sleep(pause);
        }
        throw new IOException("no hub");
    }
    public static void main(String[] args) throws Exception {
        URI hub = URI.create(args[0]);
        Path kept = Path.of(args[3] + ".request_id"); // until there is a verdict
        if (!Files.exists(kept)) Files.writeString(kept, UUID.randomUUID().toString());
        var hash = MessageDigest.getInstance("SHA-256");
        try (var file = new DigestInputStream(new FileInputStream(args[3]), hash)) { file.transferTo(OutputStream.nullOutputStream()); }
        String create = String.format("{\"request_id\":\"%s\",\"pattern\":\"%s\",\"period\":\"%s\",\"media_type\":\"text/csv\",\"sha256\":\"%064x\"}",
            Files.readString(kept), args[1], args[2], new BigInteger(1, hash.digest()));
        var opened = call("POST", hub.resolve("/api/v1/submissions"), create.getBytes());
        URI address = hub.resolve(opened.headers().firstValue("Location").orElseThrow()), payload = URI.create(address + "/payload");
        try (var file = new RandomAccessFile(args[3], "r")) {
            for (long offset; (offset = Long.parseLong(call("HEAD", payload, new byte[0]).headers()
                    .firstValue("Upload-Offset").orElseThrow())) < file.length(); ) {
                byte[] piece = new byte[(int) Math.min(PIECE, file.length() - offset)];
                file.seek(offset);
                file.readFully(piece);
                var sent = once("PATCH", payload, piece, "Upload-Offset", Long.toString(offset)); // the next HEAD tells what came
                if (sent == null || sent.statusCode() == 409) Thread.sleep(200); else if (sent.statusCode() >= 400) throw new IOException(sent.body());
            }
        }
        String verdict = call("POST", URI.create(address + "/commit"), new byte[0]).body();
        Files.delete(kept);
        System.out.println(verdict.contains("\"state\":\"COMMITTED\"") ? "COMMITTED" : "REFUSED");
        System.out.println(call("GET", URI.create(address + "/report"), new byte[0], "Accept", "text/plain").body());
    }
}
