import aanalytics2
from job import adobe_settings, answer, lifetime


def token(job):
    aanalytics2.configure(**adobe_settings(job))
    request = aanalytics2.Login().connector
    return {
        "access_token": request.config["token"],
        "lifetime_seconds": lifetime(request.config["date_limit"]),
    }


answer(token)
