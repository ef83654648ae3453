-- Asks Countersign whether a request may pass, and answers for it where it may not.

local ask_at = "http://127.0.0.1:8080/ext_authz/forward"
local patience_ms = 2000

-- What belongs to the caller's connection and body, or is said here.
local left_out = {
  ["connection"] = true,
  ["content-encoding"] = true,
  ["content-length"] = true,
  ["expect"] = true,
  ["host"] = true,
  ["te"] = true,
  ["transfer-encoding"] = true,
  ["upgrade"] = true,
  ["x-forwarded-for"] = true,
  ["x-forwarded-host"] = true,
  ["x-forwarded-method"] = true,
  ["x-forwarded-uri"] = true,
}

local identity = { "x-ims-user-id", "x-ims-client-id", "x-ims-org-id", "x-ims-scope" }

-- All values of a header; HAProxy counts them from 0.
local function list(values)
  local all, at = {}, 0
  while values[at] ~= nil do
    all[#all + 1] = values[at]
    at = at + 1
  end
  return all
end

local function question(txn)
  local headers = {}
  local received = txn.http:req_get_headers()
  for name, values in pairs(received) do
    if not left_out[name] then headers[name] = list(values) end
  end
  headers["x-forwarded-method"] = { txn.sf:method() }
  headers["x-forwarded-uri"] = { txn.sf:pathq() }
  headers["x-forwarded-for"] = { txn.sf:src() }
  -- Two hosts are two questions, which is refused.
  headers["x-forwarded-host"] = received["host"] and list(received["host"])
  return headers
end

local function refuse(txn, status, headers, body)
  local reply = txn:reply({ status = status, body = body })
  for name, values in pairs(headers) do
    if name ~= "content-length" and name ~= "connection" and name ~= "transfer-encoding" then
      for _, value in ipairs(list(values)) do reply:add_header(name, value) end
    end
  end
  txn:done(reply)
end

core.register_action("countersign", { "http-req" }, function(txn)
  local answer = core.httpclient():get({
    url = ask_at,
    headers = question(txn),
    timeout = patience_ms,
  })
  -- HAProxy itself answers in the place of a server that it does not reach; every answer of
  -- Countersign has an id.
  if answer == nil or answer.headers == nil or answer.headers["x-debug-id"] == nil then
    local json = { ["content-type"] = { [0] = "application/json" }, ["retry-after"] = { [0] = "1" } }
    return refuse(txn, 503, json, '{"error_code":"503010","message":"Could not validate the oauth token"}\n')
  end
  if answer.status ~= 200 then
    return refuse(txn, answer.status, answer.headers, answer.body)
  end
  for _, name in ipairs(identity) do
    local value = answer.headers[name]
    if value then txn.http:req_set_header(name, value[0]) end
  end
end)
