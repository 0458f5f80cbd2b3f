"""The text that every contender sends."""

BODY = {
    "To": "+12125550132",
    "From": "+12125550100",
    "Body": "Acme Pharmacy: Hi Pat, you have a new statement. View and pay: "
    "http://portal.test/sms/p/0123456789012345678901 Reply STOP to opt out.",
    "StatusCallback": "http://portal.test/sms/hooks/status/0123456789012345678901",
    "ValidityPeriod": "14400",
}
