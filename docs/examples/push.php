<?php
// Pushes a file over HTTPS, goes on after a cut, and prints the report. Needs no extension but openssl.
// HUB_KEY=hub_… php push.php https://hub.example:8080 rb28s 2022-Q4 FILE
[, $hub, $pattern, $period, $file] = $argv;
const PIECE = 1 << 20;

/** Status (0 after a cut), headers and body. Every request is safe to repeat: the request id says that it is the same push. */
function once(string $method, string $address, string $body = '', array $headers = []): array
{
    $headers[] = 'Authorization: Bearer ' . getenv('HUB_KEY');
    $headers[] = 'Content-Type: application/json';
    $options = ['method' => $method, 'header' => $headers, 'content' => $body, 'ignore_errors' => true, 'timeout' => 300];
    $answer = @file_get_contents($address, false, stream_context_create(['http' => $options]));
    if ($answer === false) {
        return [0, [], 'no hub'];
    }
    $found = [];
    foreach ($http_response_header as $line) {
        [$name, $value] = explode(':', $line, 2) + [1 => ''];
        $found[strtolower($name)] = trim($value);
    }
    return [(int) explode(' ', $http_response_header[0])[1], $found, $answer];
}

function call(string $method, string $address, string $body = '', array $headers = []): array
{
    foreach ([200_000, 1_000_000, 5_000_000, 0] as $pause) {
        $answer = once($method, $address, $body, $headers);
        if ($answer[0] >= 200 && $answer[0] < 300) {
            return $answer;
        }
        if (!in_array($answer[0], [0, 429, 503]) || $pause === 0) {
            exit("{$answer[0]} {$answer[2]}\n");
        }
        usleep($pause);
    }
}

$kept = "$file.request_id"; // until there is a verdict
if (!file_exists($kept)) {
    file_put_contents($kept, vsprintf('%s%s-%s-4%.3s-8%.3s-%s%s%s', str_split(bin2hex(random_bytes(16)), 4)));
}
$new = ['request_id' => file_get_contents($kept), 'pattern' => $pattern, 'period' => $period, 'media_type' => 'text/csv',
    'size_bytes' => filesize($file), 'sha256' => hash_file('sha256', $file)];
[, $headers] = call('POST', "$hub/api/v1/submissions", json_encode($new));
$address = str_starts_with($headers['location'], '/') ? $hub . $headers['location'] : $headers['location'];
while (($offset = (int) call('HEAD', "$address/payload")[1]['upload-offset']) < filesize($file)) {
    $piece = file_get_contents($file, false, null, $offset, PIECE);
    [$status, , $said] = once('PATCH', "$address/payload", $piece, ["Upload-Offset: $offset"]); // the next HEAD tells what came
    in_array($status, [0, 204, 409, 429, 503]) || exit("$status $said\n");
    $status === 204 || usleep(200_000);
}
$verdict = json_decode(call('POST', "$address/commit")[2], true);
unlink($kept);
echo $verdict['submission']['state'], ' rows: ', $verdict['submission']['rows'], "\n";
echo call('GET', "$address/report", '', ['Accept: text/plain'])[2];
