// A stub of the parts of Unreal Engine 5 that TaskbellRenders.h uses, written from its API reference.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

using int32 = std::int32_t;
using TCHAR = char;
#define TEXT(text) text
#define TCHAR_TO_UTF8(text) (text)
#define UTF8_TO_TCHAR(text) (text)
#define DEFINE_LOG_CATEGORY_STATIC(name, level, all)
#define UE_LOG(category, level, ...) (std::printf(__VA_ARGS__), std::printf("\n"))

class FString {
public:
    FString() = default;
    FString(const TCHAR *text) : text_(text) {}
    const TCHAR *operator*() const { return text_.c_str(); }
    bool IsEmpty() const { return text_.empty(); }
    std::string text_;
};

class FText {
public:
    explicit FText(const TCHAR *text) : text_(text) {}
    FString ToString() const { return text_; }

private:
    FString text_;
};

struct FMath {
    static int32 Max(int32 a, int32 b) { return a > b ? a : b; }
};

template <class T> using TSharedPtr = std::shared_ptr<T>;
template <class T> using TSharedRef = std::shared_ptr<T>;
template <class T, class... Arguments> std::shared_ptr<T> MakeShared(Arguments &&...arguments) {
    return std::make_shared<T>(std::forward<Arguments>(arguments)...);
}

template <class T> class TArray {
public:
    void Add(const T &item) { items.push_back(item); }
    int32 Num() const { return static_cast<int32>(items.size()); }
    std::vector<T> items;
};

template <class... Arguments> class TDelegate {
public:
    template <class Function> void AddLambda(Function function) { functions_.push_back(function); }
    void Broadcast(Arguments... arguments) {
        for (auto &function : functions_) {
            function(arguments...);
        }
    }

private:
    std::vector<std::function<void(Arguments...)>> functions_;
};
