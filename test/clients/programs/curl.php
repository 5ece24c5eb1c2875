<?php
$handle = curl_init($argv[1]);
curl_setopt_array($handle, [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 8]);
curl_exec($handle);
$error = curl_error($handle);
echo $error === '' ? 'status ' . curl_getinfo($handle, CURLINFO_RESPONSE_CODE) : "error $error", "\n";
